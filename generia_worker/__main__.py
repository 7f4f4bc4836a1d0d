"""`python -m generia_worker` is the command line, `generia`."""

from generia_worker.cli.main import main

main()
