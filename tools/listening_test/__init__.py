"""A listening test: a page for the raters, and mean opinion scores from their answers.

How a number comes about::

    stimuli.py          choose the texts; equal rate and level; names that tell nothing
    page.py             writes the folder for the raters, and the key beside it
    page/, strings/     what the page is made of; a language is one file of strings
    key_file.py         which recording is of which system: stays with the organiser
    answers.py          read and check what the raters sent back
    intervals.py        95 % intervals of means over raters and utterances
    agreement.py        Krippendorff's alpha
    mos.py              puts these together into result.json, whose table is
                        espnet2_ext/scoring/results/mos_table.py

To add a criterion: its name in ``names.py``, its question and the meanings of its
values in every file of ``strings/``.
"""
