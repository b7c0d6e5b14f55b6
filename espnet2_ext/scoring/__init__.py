"""Scoring: error rates, judges of synthesised speech, the results tables.

How a number comes about::

    texts.py            read references and hypotheses
    normalizers.py      bring both into the same form
    error_rates.py      count the errors of one utterance, add the counts up
    text_scores.py      the same for a whole set, and its table of utterances
    arabic_forms.py     the same with and without diacritics
    intervals.py        how sure it is: bootstrap over utterances
    error_page.py       the worst utterances, aligned, as a web page
    asr.py, speech.py   the commands asr, and tts and vc; all write a result.json
    sides.py            what is measured on each kind of speech: the judge's errors,
                        words left out or said again, predicted opinions
    speaker_similarity.py   how far voices are those of the speakers
    memory.py           what was measured is kept: a killed run goes on
    transcribe.py       transcripts by Whisper, to be scored like ours
    compare_asr.py      two systems on the same utterances; tests in significance.py
    listening/          a listening test: its page, and mean opinion scores
    published.yaml      what papers report
    collect.py          finds every result.json of an experiment folder
    result_tables.py    the tables of its results
    results_page.py     writes RESULTS.md from them
    compare.py          experiments beside each other and beside published rows
    curves.py           learning curves
    report/             a page with scores, curves, pictures and recordings

To add a metric of a transcript: a field in ``text_scores.py``.  A judge: a class
with the three members of :class:`~espnet2_ext.scoring.judges.Judge` and one line in
:func:`~espnet2_ext.scoring.judges.load_judge`.  A normaliser: one line in
``normalizers.py``.  A predictor of opinions: see ``mos_predictors.py``.  A tool for
voices: see ``data/speaker_extractors.py``.  A task: a module beside ``asr.py`` whose
results have a ``kind`` of their own, and a table in ``result_tables.py``.
"""
