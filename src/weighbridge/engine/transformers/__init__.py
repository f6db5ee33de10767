"""The engine for folders of safetensors: Hugging Face Transformers in a child process."""
