"use strict";
/* The three screens, what the buttons do, and the keyboard. */

{
  const { test, fill, Session, Player, Criterion } = Listening;
  const { strings } = test;
  const find = (id) => document.getElementById(id);
  const status = find("status");
  let session = null;
  let place = 0;

  const clip = () => session.clips[place];
  const answer = () => session.answer(clip());

  const say = (text) => {
    status.textContent = text;
  };

  const showScreen = (id) => {
    for (const screen of ["welcome", "clip", "done"]) find(screen).hidden = screen !== id;
    find("bar").hidden = id === "welcome";
    find("steps").hidden = id !== "clip";
    scrollTo(0, 0);
    find(id).querySelector("h1").focus({ preventScroll: true });
  };

  /* Clip screen */

  const player = new Player(find("play"), find("audio"), {
    played: () => {
      answer().plays += 1;
      session.save();
      say("");
      showPlays();
    },
    ended: () => {
      answer().heard = true;
      session.save();
      showPlays();
    },
    failed: () => say(fill(strings.audio_error, { clip: clip().name })),
  });

  const criteria = test.criteria.map(
    (name) =>
      new Criterion(name, (criterion, value) => {
        answer().ratings[criterion] = value;
        answer().textRead ||= answer().textOpened;
        session.save();
        say("");
      }),
  );

  find("criteria").append(...criteria.map((criterion) => criterion.box));

  const showPlays = () => {
    const { plays, heard } = answer();
    find("play").setAttribute("aria-label", plays ? strings.play_again : strings.play);
    find("plays").textContent = plays ? fill(strings.plays, { plays }) : strings.not_played;
    find("plays").classList.toggle("heard", heard);
  };

  const showText = (open) => {
    find("text").hidden = !open;
    find("text-button").setAttribute("aria-expanded", String(open));
    find("text-button").textContent = open ? strings.hide_text : strings.show_text;
  };

  const showClip = (index) => {
    place = index;
    if (place === session.clips.length) {
      player.stop();
      find("saved").textContent = "";
      find("place").hidden = true;
      find("progress").value = 1;
      showScreen("done");
      return;
    }
    const total = session.clips.length;
    const title = fill(strings.place, { place: place + 1, clips: total });
    find("place").textContent = find("clip-title").textContent = title;
    find("place").hidden = find("progress").hidden = false;
    find("progress").value = place / total;
    find("next").textContent = place + 1 === total ? strings.finish : strings.next;
    find("back").disabled = place === 0;
    find("text").textContent = clip().text ?? "";
    showText(false);
    showPlays();
    criteria.forEach((criterion) => criterion.show(answer().ratings[criterion.name] ?? null));
    player.load(clip().name);
    say("");
    showScreen("clip");
  };

  /* Go on, or say what is missing and lead there. */
  const next = () => {
    if (!answer().heard) {
      say(strings.need_listen);
      find("play").focus();
      return;
    }
    const open = criteria.find((criterion) => criterion.value === null);
    if (open) {
      say(fill(strings.need_rating, { question: strings[open.name].question }));
      open.box.focus();
      return;
    }
    showClip(place + 1);
  };

  const download = (place) => {
    place.textContent = fill(strings.saved, { file: session.download() });
  };

  find("next").addEventListener("click", next);
  find("back").addEventListener("click", () => showClip(place - 1));
  find("save").addEventListener("click", () => download(find("saved")));
  find("save-partial").addEventListener("click", () => download(status));
  find("review").addEventListener("click", () => showClip(0));
  find("text-button").addEventListener("click", () => {
    answer().textOpened = true;
    session.save();
    showText(find("text").hidden);
  });

  document.addEventListener("keydown", (event) => {
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    if (find("clip").hidden || modified) return;
    const focused = document.activeElement;
    // On a button, Space and Enter press it.
    const onButton = focused.matches("button");
    const current = criteria.find((criterion) => criterion.contains(focused));
    let used = true;
    if (event.key === " " && !onButton) player.toggle();
    else if (event.key === "Enter" && !onButton) {
      const following = criteria[criteria.indexOf(current) + 1];
      if (current && following && current.value !== null) following.box.focus();
      else next();
    } else used = (current ?? criteria[0]).typed(event);
    if (used) event.preventDefault();
  });

  /* Welcome screen */

  const begin = (started) => {
    session = started;
    session.save();
    showClip(session.nextPlace);
  };

  for (const name of test.criteria) {
    const list = document.createElement("dl");
    const heading = document.createElement("h3");
    heading.textContent = strings[name].question;
    test.values
      .filter(Number.isInteger)
      .reverse()
      .forEach((value) => {
        const [term, meaning] = ["dt", "dd"].map((tag) => document.createElement(tag));
        term.textContent = value;
        meaning.textContent = Listening.meaning(name, value);
        list.append(term, meaning);
      });
    find("scales").append(heading, list);
  }

  for (const element of document.querySelectorAll(".text-only")) {
    element.hidden = !test.clips.some((one) => one.text);
  }
  for (const element of document.querySelectorAll(".contact")) {
    element.hidden = !test.contact;
    element.textContent = fill(strings.contact, { contact: test.contact });
  }

  if (test.example) {
    const box = find("example");
    box.hidden = false;
    const nothing = () => {};
    const failed = () => box.querySelector("p").replaceChildren(strings.example_error);
    const events = { played: nothing, ended: nothing, failed };
    new Player(box.querySelector("button"), box.querySelector("audio"), events).load(test.example);
  }

  find("storage-warning").hidden = Listening.canStore();
  find("rater").value = new URLSearchParams(location.search).get("rater") ?? "";
  find("start").addEventListener("submit", (event) => {
    event.preventDefault();
    if (find("rater").value.trim()) begin(new Session(find("rater").value));
  });

  const last = Listening.lastSession();
  if (last) {
    const values = { rater: last.name, done: last.done, clips: last.clips.length };
    find("resume").hidden = false;
    find("resume-button").textContent = fill(strings.resume, values);
    find("resume-count").textContent = fill(strings.resume_count, values);
    find("resume-button").addEventListener("click", () => begin(last));
  }
}
