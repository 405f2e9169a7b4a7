"""`python -m pywasix`: the command line."""

try:
    from pywasix.cli import main
except KeyboardInterrupt:  # `main` answers Ctrl-C from its beginning on
    raise SystemExit(130) from None

if __name__ == "__main__":
    main()
