"""What the stages of recipes (egs2/TEMPLATE) run besides the package's commands.

::

    check_options.py    options of training and decoding, before the first stage
    check_data.py       that data directories have their tables
    datadir.py          check, mend, copy, join, part data directories
    filter_sets.py      those of a recipe, by length
    phase_sets.py       which sets a table of phases needs
    lm_text.py          texts as tokens, for language models; ngram_estimation.py
        lm_data.py          what ESPnet's training of language models reads
    train.py            a training, in as many processes as were asked for
        submit.py           as a job of a queue; batch_job.py
    decode_sets.py      decode the test sets of a task
    score_sets.py       score them
    pack.py             pack the model, with a card of its results
"""
