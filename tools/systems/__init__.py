"""Systems beside each other: every one trained, decoded and scored by its recipe.

    python -m tools.systems run conf/systems_mini_librispeech.yaml
    python -m tools.systems table conf/systems_mini_librispeech.yaml
    python -m tools.systems page docs/findings.md

``plan.py`` reads the list of systems and checks that all have the same budget,
``running.py`` calls the recipe's run.sh for each, ``results.py`` gathers what they
scored, ``findings.py`` holds the paper's findings against it.
"""
