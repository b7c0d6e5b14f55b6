"""``sttatts_score report``: a web page about an experiment.

::

    utterances.py   what was said and heard in each utterance, from a result's tables
    media.py        copies of recordings and pictures, and drawn curves
    page.py         puts all together
    report.html     how it looks
"""
