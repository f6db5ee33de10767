"""`python -m weighbridge` is `weighbridge`."""

from weighbridge.cli.main import run

if __name__ == "__main__":
    run()
