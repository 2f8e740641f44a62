"""Says which classes texts have: the command tfvae-predict."""

from tfvae.cli.predict import main

if __name__ == "__main__":
    main()
