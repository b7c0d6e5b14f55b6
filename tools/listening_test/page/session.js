"use strict";
/* One rater's answers: kept in the browser after every change, exported as a file. */

{
  const { test } = Listening;
  const prefix = `listening:${test.id}`;
  const memory = {};

  /* Pages from disk may be denied storage: then answers last as long as the page. */
  const stored = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return memory[name] ?? null;
    }
  };

  const store = (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {
      memory[name] = value;
    }
  };

  Listening.canStore = () => {
    try {
      localStorage.setItem(`${prefix}:check`, "1");
      localStorage.removeItem(`${prefix}:check`);
      return true;
    } catch {
      return false;
    }
  };


  class Session {
    constructor(name) {
      this.name = name.normalize("NFC").trim().replace(/\s+/g, " ");
      // "Ana" and "ana" are one rater.
      this.rater = this.name.toLowerCase();
      this.clips = Listening.order(test.clips, test.id, this.rater);
      const kept = JSON.parse(stored(`${prefix}:rater:${this.rater}`) ?? "{}");
      this.started = kept.started ?? new Date().toISOString();
      this.answers = kept.answers ?? {};
    }

    answer(clip) {
      this.answers[clip.name] ??= {
        ratings: {},
        plays: 0,
        heard: false,
        textOpened: false,
        textRead: false,
      };
      return this.answers[clip.name];
    }

    save() {
      const { name, rater, started, answers } = this;
      store(`${prefix}:rater:${rater}`, JSON.stringify({ started, answers }));
      store(`${prefix}:last`, name);
    }

    isDone(clip) {
      const { heard, ratings } = this.answer(clip);
      return heard && test.criteria.every((criterion) => criterion in ratings);
    }

    get done() {
      return this.clips.filter((clip) => this.isDone(clip)).length;
    }

    /* Index of the first clip to rate; the number of clips if all are rated. */
    get nextPlace() {
      const place = this.clips.findIndex((clip) => !this.isDone(clip));
      return place < 0 ? this.clips.length : place;
    }

    export() {
      const answers = this.clips.flatMap((clip, i) => {
        const { ratings, plays, textRead } = this.answer(clip);
        if (!plays) return [];
        return [{ clip: clip.name, position: i + 1, ratings, plays, text_read: textRead }];
      });
      return {
        format: test.format,
        test: test.id,
        rater: this.rater,
        started: this.started,
        exported: new Date().toISOString(),
        answers,
      };
    }

    get fileName() {
      const now = new Date();
      const two = (number) => String(number).padStart(2, "0");
      const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
      const rater = this.rater.replace(/[^\p{L}\p{M}\p{N}_-]+/gu, "-");
      return `listening_${test.id}_${rater}_${date}.json`;
    }

    download() {
      const text = `${JSON.stringify(this.export(), null, 2)}\n`;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      link.download = this.fileName;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      return link.download;
    }
  }

  Listening.Session = Session;

  /* The session of whoever was here last, or null. */
  Listening.lastSession = () => {
    const name = stored(`${prefix}:last`);
    return name === null ? null : new Session(name);
  };
}
