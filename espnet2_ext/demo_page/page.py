"""The page of ``sttatts demo``: read, speak, convert."""

import argparse
from functools import partial
from typing import Any

import numpy as np

from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.decode.decoder import pick_device
from espnet2_ext.inference.interface import Speech
from espnet2_ext.inference.words import text_of
from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.options import options_of

try:
    import gradio as gr
    from matplotlib.figure import Figure

    from espnet2_ext.demo_page.pictures import draw
except ModuleNotFoundError as error:
    raise ImportError(f"{error}: {how_to_install('page')}") from None

from espnet2_ext.demo_page.options import PageOptions

type HeardAndSeen = tuple[tuple[int, np.ndarray], Figure]
"""Sampling rate (Hz) and 16-bit samples; and their picture."""

EXAMPLE = "the weather is fine today"

FONTS = ["system-ui", "sans-serif"]
"""Of the reader's own machine: nothing is loaded from elsewhere."""

STYLE = """
.gradio-container {max-width: 60rem !important; margin: 0 auto !important}
h1 {margin-bottom: 0}
"""

MAX_UPLOAD = "100mb"


def show_page(args: argparse.Namespace) -> int:
    """Run ``sttatts demo`` until it is told to end."""
    options = options_of(args, PageOptions)
    model = STTATTS.from_pretrained(args.model, device=pick_device(args))
    launch(build_page(model, args.model or "the model of the package"), options)
    return 0


def launch(page: gr.Blocks, options: PageOptions, **settings: Any) -> Any:
    """Serve a page, and only that: nothing is shared, recorded or sent elsewhere.

    Args:
        page: what :func:`build_page` gives.
        options: where.
        settings: further ones of gradio's.
    """
    return page.launch(
        server_name=options.host,
        server_port=options.port,
        share=False,
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        max_file_size=MAX_UPLOAD,
        theme=gr.themes.Default(font=FONTS, font_mono=["monospace"]),
        css=STYLE,
        **settings,
    )


def build_page(model: STTATTS, name: str) -> gr.Blocks:
    """Make the page of a model; tasks that it does not have are not on it.

    Args:
        model: that listens and speaks.
        name: of the model, for people.
    """
    parts = {"asr": _add_reading, "tts": _add_speaking, "vc": _add_converting}
    with gr.Blocks(title="STTATTS", analytics_enabled=False) as page:
        gr.Markdown(f"# STTATTS\n\nOne model that listens and speaks: {name}.")
        with gr.Tabs():
            for task, add in parts.items():
                if task in model.tasks:
                    add(model)
    return page.queue(max_size=32, api_open=False)


def _add_reading(model: STTATTS) -> None:
    with gr.Tab("Listen"):
        recording = gr.Audio(
            sources=["upload", "microphone"],
            type="filepath",
            label="Recording",
            elem_id="recording",
        )
        button = gr.Button("Write it down", variant="primary", elem_id="listen")
        text = gr.Textbox(label="What it heard", lines=3, elem_id="heard")
        words = gr.Dataframe(
            headers=["word", "from (s)", "to (s)"], label="When", elem_id="words"
        )
        _on(button, partial(_read, model), [recording], [text, words])


def _add_speaking(model: STTATTS) -> None:
    with gr.Tab("Speak"):
        text = gr.Textbox(EXAMPLE, label="Text", lines=3, elem_id="text")
        voice = _voices(model)
        button = gr.Button("Speak", variant="primary", elem_id="speak")
        speech = gr.Audio(label="Speech", elem_id="speech")
        picture = gr.Plot(label="Mel and attention", elem_id="picture")
        _on(button, partial(_speak, model), [text, voice], [speech, picture])


def _add_converting(model: STTATTS) -> None:
    with gr.Tab("Convert"):
        recording = gr.Audio(
            sources=["upload", "microphone"], type="filepath", label="Recording"
        )
        voice = _voices(model)
        button = gr.Button("Say it", variant="primary", elem_id="convert")
        speech = gr.Audio(label="Speech", elem_id="converted")
        picture = gr.Plot(label="Mel and attention")
        _on(button, partial(_convert, model), [recording, voice], [speech, picture])


def _voices(model: STTATTS) -> gr.Radio:
    table = model.inputs.speaker_table
    chosen = table.default or next(iter(table.names), None)
    return gr.Radio(table.names, value=chosen, label="Voice")


def _on(button: gr.Button, work: Any, inputs: list[Any], outputs: list[Any]) -> None:
    """Do the work at a click; one after the other, for there is one model."""

    def tried(*values: Any) -> Any:
        try:
            return work(*values)
        except (BadInputError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from None

    button.click(tried, inputs, outputs, concurrency_id="model", concurrency_limit=1)


def _read(model: STTATTS, path: str | None) -> tuple[str, list[list[Any]]]:
    if path is None:
        raise BadInputError("record something, or choose a file")
    found = list(model.segments(path))
    words = [word for segment in found for word in segment.words]
    rows = [[word.text, round(word.start, 2), round(word.end, 2)] for word in words]
    return text_of(found), rows


def _speak(
    model: STTATTS, text: str, voice: str
) -> tuple[tuple[int, np.ndarray], Figure]:
    return _heard_and_seen(model, model.synthesize(text, voice, attention=True))


def _convert(model: STTATTS, path: str | None, voice: str) -> HeardAndSeen:
    if path is None:
        raise BadInputError("record something, or choose a file")
    return _heard_and_seen(model, model.convert(path, voice, attention=True))


def _heard_and_seen(model: STTATTS, speech: Speech) -> HeardAndSeen:
    hop = model.audio.hop_length / model.audio.sample_rate
    samples = np.clip(speech.wav * 32767, -32768, 32767).astype(np.int16)
    return (speech.sample_rate, samples), draw(speech, hop)
