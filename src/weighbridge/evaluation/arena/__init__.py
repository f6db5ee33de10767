"""The arena: blind pairwise votes by people and by judges, on answers that are asked or stored as any suite's."""
