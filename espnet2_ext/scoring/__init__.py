"""Scoring: error rates, judges of synthesised speech, the results tables.

How a number comes about::

    texts.py            read references and hypotheses
    normalizers.py      bring both into the same form
    error_rates.py      count the errors of one utterance, add the counts up
    text_scores.py      the same for a whole set, and its table of utterances
    asr.py, tts.py      one scoring command each; both write a result.json
    collect.py          finds every result.json of an experiment folder
    results_page.py     writes RESULTS.md from them

To add a metric of a transcript: a field in ``text_scores.py``.  A judge: a class
with the three members of :class:`~espnet2_ext.scoring.judges.Judge` and one line in
:func:`~espnet2_ext.scoring.judges.load_judge`.  A normaliser: one line in
``normalizers.py``.  A task: a module beside ``tts.py`` whose results have a ``kind``
of their own, and a table in ``results_page.py``.
"""
