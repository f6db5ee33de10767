"""State-space mixers (Mamba 1 and 2) and the models that hold nothing else: Mamba, Mamba 2, Falcon Mamba."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import Frame, framed, layered, library, vector
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES", "Scan", "Selective", "head_width", "rank_in"]

_PART = Part.LINEAR_ATTENTION
_BACKBONE = Frame(root="backbone.", embedding="embeddings", final="norm_f")


@dataclass(frozen=True, slots=True)
class Selective:
    """Widths of a Mamba 1 mixer: `inner` channels, `state` elements a channel, steps of rank `rank`."""

    inner: int
    state: int
    kernel: int
    rank: int
    conv_bias: bool
    bias: bool

    def mixer(self, hidden: int, *, prefix: str = "mamba", is_normed: bool = False) -> Mixer:
        """Return the mixer (arXiv 2312.00752); Jamba norms step, input and output vectors.

        State: inner x state, and the last kernel - 1 inputs of the convolution.
        """
        sizes = {"dt_layernorm": self.rank, "b_layernorm": self.state, "c_layernorm": self.state}
        weights = (
            *linear(f"{prefix}.in_proj", 2 * self.inner, hidden, _PART, bias=self.bias),
            *_convolution(f"{prefix}.conv1d", self.inner, self.kernel, bias=self.conv_bias),
            *linear(f"{prefix}.x_proj", self.rank + 2 * self.state, self.inner, _PART),
            *linear(f"{prefix}.dt_proj", self.inner, self.rank, _PART, bias=True),
            Weight(f"{prefix}.A_log", _PART, (self.inner, self.state)),
            *vector(f"{prefix}.D", self.inner),
            *linear(f"{prefix}.out_proj", hidden, self.inner, _PART, bias=self.bias),
            *(weight for name, size in sizes.items() if is_normed for weight in norm(f"{prefix}.{name}", size)),
        )
        return Mixer("mamba", weights, state=self.inner * (self.state + self.kernel - 1))


@dataclass(frozen=True, slots=True)
class Scan:
    """Widths of a Mamba 2 mixer: `inner` channels in `heads`, `state` elements a channel, shared by `groups`."""

    inner: int
    heads: int
    state: int
    groups: int
    kernel: int

    def __post_init__(self) -> None:
        if self.inner % self.heads:
            raise Refused(f"{self.inner} channels cannot be split over {self.heads} heads")
        if self.heads % self.groups:
            raise Refused(f"{self.heads} heads cannot share {self.groups} groups")

    def mixer(
        self,
        hidden: int,
        *,
        prefix: str = "mamba",
        conv_bias: bool = True,
        bias: bool = False,
        out_bias: bool | None = None,
        is_normed: bool = True,
    ) -> Mixer:
        """Return the mixer (arXiv 2405.21060), normed behind its scan; `out_bias` where it differs from `bias`.

        State: inner x state, and the last kernel - 1 inputs of the convolution.
        """
        channels = self.inner + 2 * self.groups * self.state
        weights = (
            *linear(f"{prefix}.in_proj", self.inner + channels + self.heads, hidden, _PART, bias=bias),
            *_convolution(f"{prefix}.conv1d", channels, self.kernel, bias=conv_bias),
            *vector(f"{prefix}.dt_bias", self.heads),
            *vector(f"{prefix}.A_log", self.heads),
            *vector(f"{prefix}.D", self.heads),
            *(norm(f"{prefix}.norm", self.inner) if is_normed else ()),
            *linear(f"{prefix}.out_proj", hidden, self.inner, _PART, bias=bias if out_bias is None else out_bias),
        )
        return Mixer("mamba2", weights, state=self.inner * self.state + channels * (self.kernel - 1))


def _convolution(name: str, channels: int, kernel: int, *, bias: bool) -> Weights:
    weight = Weight(f"{name}.weight", _PART, (channels, 1, kernel))
    return (weight, *vector(f"{name}.bias", channels)) if bias else (weight,)


def rank_in(fields: Fields, key: str, hidden: int) -> int:
    """Return the rank of the steps: a number, or a sixteenth of the hidden size where it is "auto" or absent."""
    if fields.value(key) in (None, "auto"):
        return -(-hidden // 16)
    return fields.count(key)


def head_width(fields: Fields, key: str, inner: int, heads: int) -> None:
    """Refuse a declared width of Mamba 2 heads that does not give `inner` channels."""
    width = fields.value(key)
    if width not in (None, "auto") and fields.count(key) * heads != inner:
        raise Refused(f"{heads} heads of `{key}` elements are not the {inner} channels of the mixer")


def _mamba(fields: Fields, family: str) -> Structure:
    """Mamba 1: `intermediate_size` counts where it is declared, else `expand` times the hidden size.

    Falcon Mamba declares both, and its `expand` is not what was built; its norms of step and vectors have no weight.
    """
    fields = library(fields, family)
    hidden = fields.count("hidden_size")
    declared = fields.optional("intermediate_size", at_least=1)
    inner = fields.count("expand") * hidden if declared is None else declared
    widths = Selective(
        inner,
        fields.count("state_size"),
        fields.count("conv_kernel"),
        rank_in(fields, "time_step_rank", hidden),
        conv_bias=fields.flag("use_conv_bias"),
        bias=fields.flag("use_bias"),
    )
    layer = layered(widths.mixer(hidden, prefix="mixer"), norm("norm", hidden))
    return framed(fields, [layer] * fields.layers(), _BACKBONE)


def _mamba2(fields: Fields) -> Structure:
    """Mamba 2: `expand` times the hidden size, which heads and their width must give."""
    fields = library(fields, "mamba2")
    hidden = fields.count("hidden_size")
    inner = fields.count("expand") * hidden
    heads = fields.count("num_heads")
    if heads * fields.count("head_dim") != inner:
        raise Refused("`num_heads` times `head_dim` is not `expand` times the hidden size")
    scan = Scan(inner, heads, fields.count("state_size"), fields.count("n_groups"), fields.count("conv_kernel"))
    mixer = scan.mixer(hidden, prefix="mixer", conv_bias=fields.flag("use_conv_bias"), bias=fields.flag("use_bias"))
    return framed(fields, [layered(mixer, norm("norm", hidden))] * fields.layers(), _BACKBONE)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "mamba": lambda fields: _mamba(fields, "mamba"),
    "falcon_mamba": lambda fields: _mamba(fields, "falcon_mamba"),
    "mamba2": _mamba2,
}
