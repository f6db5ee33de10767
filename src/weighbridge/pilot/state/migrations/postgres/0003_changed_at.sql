-- When a document was changed last: those that nobody wants any more are dropped some time later.
ALTER TABLE documents ADD COLUMN changed_at DOUBLE PRECISION NOT NULL DEFAULT 0;

UPDATE documents SET changed_at = extract(epoch FROM now());
