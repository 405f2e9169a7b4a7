"""`python -m pywasix`: the command line."""

from pywasix.cli import main

if __name__ == "__main__":
    main()
