"""A campaign that tries to break the project: ``make campaign SEED=1 MINUTES=60``.

Every part has a file; ``python -m tests.campaign --help`` lists them.  It is no part of
``make test``.  Bad input has to give one clear line, hostile files run nothing,
and a killed run ends with the same result as one that was left alone.
"""
