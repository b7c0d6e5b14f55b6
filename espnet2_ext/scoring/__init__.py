"""Scoring: error rates, judges of synthesised speech, the results tables.

How a number comes about::

    transcripts/    texts against their references
        texts.py            read references and hypotheses
        normalizers.py      bring both into the same form
        error_rates.py      count the errors of one utterance, add the counts up
        text_scores.py      the same for a whole set, and its table of utterances
        arabic_forms.py     the same with and without diacritics
        asr.py              the command asr
        error_page.py       the worst utterances, aligned, as a web page
        compare_asr.py      two systems on the same utterances; tests in significance.py
    judges/         who writes down what synthesised speech says; transcribe.py is the
                    command that makes a baseline of them
    predictors/     predicted opinions
    speech/         synthesised and converted speech
        tts_vc.py           the commands tts and vc
        sides.py            what is measured on each kind of speech: the judge's errors,
                            words left out or said again, predicted opinions
        speaker_similarity.py   how far voices are those of the speakers
        generation.py       whether it stopped, how long it is, how attention went
    results/        what comes of it
        result_file.py      every command writes a result.json
        collect.py          finds those of an experiment folder
        result_tables.py    the tables of its results
        results_page.py     writes RESULTS.md from them; summary.py for the terminal
        compare.py          experiments beside each other and beside published rows
        curves.py           learning curves
        mos_table.py        what tools/listening_test found
    report/         a page with scores, curves, pictures and recordings
    intervals.py    how sure a rate is: bootstrap over utterances
    memory.py       what was measured is kept: a killed run goes on

To add a metric of a transcript: a field in ``text_scores.py``.  A judge: a class
with the three members of :class:`~espnet2_ext.scoring.judges.judge.Judge` and one line
in :func:`~espnet2_ext.scoring.judges.loading.load_judge`.  A normaliser: one line in
``normalizers.py``.  A predictor of opinions: see ``predictors/loading.py``.  A tool for
voices: see ``data/speaker_extractors.py``.  A task: a module whose results have a
``kind`` of their own, and a table in ``result_tables.py``.
"""
