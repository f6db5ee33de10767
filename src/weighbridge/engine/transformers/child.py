"""The child process of the Transformers engine: one JSON line in, one JSON line out.

Loads safetensors only, never a pickle, and never runs code of the folder (`trust_remote_code` stays False).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__: list[str] = []


class Model:
    """A model with its tokenizer, as loaded."""

    def __init__(self, folder: str, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(threads)
        self.torch = torch
        safe = {"local_files_only": True, "trust_remote_code": False}
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        self.model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto", **safe).eval()

    def answer(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Answer one request (the JSON of a Request)."""
        ids = self.prompt(wanted)
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room and len(ids) + wanted["max_tokens"] > room:
            return {"error": f"the prompt has {len(ids)} tokens; with {wanted['max_tokens']} more they exceed {room}"}
        with self.torch.inference_mode():
            tokens = self.torch.tensor([ids], device=self.model.device)
            if wanted["top_logprobs"]:
                return {"prompt_tokens": len(ids), "completion_tokens": 1, **self.first(tokens, wanted["top_logprobs"])}
            return {"prompt_tokens": len(ids), **self.write(tokens, wanted)}

    def prompt(self, wanted: dict[str, Any]) -> list[int]:
        """Return the prompt's tokens; a chat is laid out by the model's own template."""
        if wanted["form"] == "completion":
            return list(self.tokenizer(wanted["text"])["input_ids"])
        if not self.tokenizer.chat_template:
            raise ValueError("the folder holds no chat template")
        turns = [["system", wanted["system"]]] if wanted["system"] else []
        turns += [*wanted.get("turns", []), ["user", wanted["text"]]]
        messages = [{"role": role, "content": content} for role, content in turns]
        switch = {"enable_thinking": wanted["thinking"]} if "thinking" in wanted else {}
        laid_out = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **switch)
        return list(self.tokenizer(laid_out, add_special_tokens=False)["input_ids"])

    def first(self, tokens: Any, number: int) -> dict[str, Any]:
        """Return the likeliest first tokens with their log-probabilities."""
        logprobs = self.model(tokens).logits[0, -1].float().log_softmax(-1)
        best = logprobs.topk(min(number, logprobs.shape[-1]))
        pairs = [
            (self.shown(int(tokens[0, -1]), int(index)), float(value))
            for index, value in zip(best.indices, best.values, strict=True)
        ]
        return {"text": pairs[0][0], "top": pairs, "finish_reason": "length"}

    def shown(self, before: int, token: int) -> str:
        """Return a token's text, its leading space included, which decoding a token alone would drop."""
        head = self.tokenizer.decode([before])
        whole = self.tokenizer.decode([before, token])
        text = whole[len(head) :] if whole.startswith(head) else self.tokenizer.decode([token])
        return f"token:{token}" if not text or "\ufffd" in text else text

    def write(self, tokens: Any, wanted: dict[str, Any]) -> dict[str, Any]:
        """Generate an answer."""
        from transformers import GenerationConfig

        known = self.model.generation_config
        ends = known.eos_token_id if known.eos_token_id is not None else self.tokenizer.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        own = self.tokenizer.eos_token_id
        ends = [end for end in dict.fromkeys([*ends, own]) if end is not None]
        sampling = {
            "do_sample": True,
            "temperature": wanted["temperature"],
            "top_p": wanted.get("top_p", 1.0),
            "top_k": 0,
        }
        settings = GenerationConfig(
            max_new_tokens=wanted["max_tokens"], eos_token_id=ends or None, pad_token_id=(ends or [0])[0],
            stop_strings=wanted.get("stop"), **(sampling if wanted["temperature"] else {"do_sample": False}),
        )  # fmt: skip
        self.torch.manual_seed(wanted.get("seed", 0) + wanted["draw"])
        more = {"tokenizer": self.tokenizer} if wanted.get("stop") else {}
        attention = self.torch.ones_like(tokens)
        made = self.model.generate(tokens, attention_mask=attention, generation_config=settings, **more)
        written = made[0, tokens.shape[1] :].tolist()
        text = self.tokenizer.decode(written, skip_special_tokens=True)
        cut = min((text.find(stop) for stop in wanted.get("stop", ()) if stop in text), default=-1)
        ended = cut >= 0 or (bool(written) and written[-1] in ends)
        return {
            "text": text[:cut] if cut >= 0 else text,
            "completion_tokens": len(written),
            "finish_reason": "stop" if ended else "length",
        }


def serve() -> None:
    """Load, then answer line by line until the parent closes stdin."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    wanted = json.loads(sys.stdin.readline())
    model: Model | None = None
    try:
        model = Model(wanted["folder"], wanted["threads"])
        said: dict[str, Any] = {"ready": True}
    except Exception as error:  # noqa: BLE001 - a strange folder raises anything
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), file=out, flush=True)
    for line in sys.stdin if model is not None else ():
        try:
            said = model.answer(json.loads(line)) if model is not None else {}
        except Exception as error:  # noqa: BLE001 - one request's failure is its own
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=out, flush=True)


if __name__ == "__main__":
    serve()
