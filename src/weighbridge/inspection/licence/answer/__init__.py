"""Whether an intended use is allowed: the use, the conditions of clauses, and the judgement."""
