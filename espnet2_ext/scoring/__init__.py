"""Scoring: error rates, judges of synthesised speech, the results tables.

How a number comes about::

    texts.py            tables of texts and recordings, and the forms texts take
    errors.py           align with jiwer, count, add up; the table of utterances
    intervals.py        how sure a rate is: scipy's bootstrap over utterances
    arabic.py           with and without diacritics
    recognition.py      the commands asr and compare_asr; tests in significance.py
    judges.py           who writes down what speech says: whisper.py, weights.py;
                        transcribe.py is the command that makes a baseline of them
    opinions.py         predicted opinions; wvmos.py
    speech.py           the commands tts and vc
        sides.py            what is measured on each kind of speech
        word_flow.py        words left out or said again
        similarity.py       how far voices are those of the speakers
        generation.py       whether it stopped, how long it is, how attention went
        round_trip.py       what the vocoder alone does
    formats.py          the same scores as sclite, VERSA and SPLET write them
    results/            what comes of it
        result_file.py      every command writes a result.json
        collect.py          finds those of an experiment folder
        tables.py           the tables of its results; mos_table.py: of listening tests
        page.py             writes RESULTS.md from them, and a summary for the terminal
    pages/              how web pages look; that of errors

What is measured on speech is kept in :mod:`espnet2_ext.io.store`: a killed run goes on.

To add a metric of a transcript: a field of ``ScoredUtterance`` in ``errors.py``.  A
judge: a class with the members of ``Judge`` and one line in ``load_judge``
(``judges.py``).  A normaliser: one line in ``texts.py``.  A predictor of opinions: see
``opinions.py``.  A tool for voices: see ``data/speaker_extractors.py``.  A task: a
module whose results have a ``kind`` of their own, and a table in ``results/tables.py``.
"""
