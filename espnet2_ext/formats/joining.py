"""One model of two: a recognition model's and a synthesis model's parts together."""

import torch

from espnet2_ext.formats.fitting import Source, model_sizes


def join_sources(sources: list[Source], choice: str | None) -> Source:
    """One model of a recognition and a synthesis model.

    Each brings its own pre-nets and post-nets; encoder and decoder can come from one
    of them only.

    Args:
        sources: two, with different tasks.
        choice: task whose model's encoder and decoder are taken; may be None where
            the models agree.

    Raises:
        ValueError: they differ and nothing was chosen, or they cannot be joined.
    """
    tasks = [source.trained_tasks for source in sources]
    if any(not names for names in tasks) or tasks[0] == tasks[1]:
        raise ValueError(
            f"two checkpoints of the tasks {tasks} cannot be joined; give models for "
            "two different tasks"
        )
    sizes = [model_sizes(source.state) for source in sources]
    known = sizes[0].keys() & sizes[1].keys()
    differing = sorted(name for name in known if sizes[0][name] != sizes[1][name])
    if differing:
        raise ValueError(f"the two models have different sizes: {', '.join(differing)}")
    one, other = (source.state for source in sources)
    conflicts = {
        name
        for name in one.keys() & other.keys()
        if not torch.equal(one[name].float(), other[name].float())
    }
    if conflicts and choice is None:
        raise ValueError(
            f"the two models differ in {len(conflicts)} shared tensors (encoder, "
            f"decoder or embedding): choose whose to take with --join {tasks[0][0]} or "
            f"--join {tasks[1][0]}; the other task then has to be fine-tuned"
        )
    by_task = dict(zip((names[0] for names in tasks), sources, strict=True))
    if choice is not None and choice not in by_task:
        raise ValueError(f"--join {choice}: the checkpoints are for {sorted(by_task)}")
    first = by_task[choice] if choice is not None else sources[0]
    second = next(source for source in sources if source is not first)
    return _joined(first, second, conflicts)


def _joined(first: Source, second: Source, conflicts: set[str]) -> Source:
    """Everything of ``first``, and of ``second`` what ``first`` lacks."""
    report = first.report
    label = second.trained_tasks[0]
    report.entries += [
        entry._replace(source=f"{label}: {entry.source}")
        for entry in second.report.entries
    ]
    report.warnings += [w for w in second.report.warnings if w not in report.warnings]
    for name, value in second.state.items():
        if name in first.state:
            reason = "replaced by" if name in conflicts else "same as"
            note = f"{reason} that of the {first.trained_tasks[0]} model"
            report.add("ignored", value, f"{label}: {second.origin[name]}", note=note)
    trained = list(first.trained_tasks)
    if conflicts:
        report.warnings.append(
            f"encoder, decoder and embedding are those of the {trained[0]} model; "
            f"'{label}' has to be fine-tuned before use"
        )
    else:
        trained += second.trained_tasks
    report.facts["format"] += f" + {second.report.facts['format']}"
    report.facts["trained for"] = trained
    # A conversion model knows no characters.
    longest = max(first.symbols, second.symbols, key=len)
    prefixed = {n: f"{label}: {o}" for n, o in second.origin.items()}
    return Source(
        {**second.state, **first.state},
        {**prefixed, **first.origin},
        {**second.rows, **first.rows},
        {**second.overrides, **first.overrides},
        first.symbols if first.rows else longest,
        report,
        trained,
    )
