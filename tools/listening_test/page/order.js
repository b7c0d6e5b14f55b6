"use strict";
/* The order of the recordings: random, but always the same for one rater. */

const Listening = {};

{
  /* FNV-1a over UTF-16 units: a 32-bit seed from a text. */
  const hash = (text) => {
    let value = 0x811c9dc5;
    for (let i = 0; i < text.length; i += 1) {
      value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    }
    return value >>> 0;
  };

  /* The generator mulberry32: numbers in [0, 1) from a 32-bit seed. */
  const generator = (seed) => {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  };

  /* Fisher-Yates. */
  const shuffle = (items, random) => {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = Math.floor(random() * (last + 1));
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
    }
    return shuffled;
  };

  const repeats = (clips) =>
    clips.filter((clip, i) => i > 0 && clip.utterance === clips[i - 1].utterance).length;

  /*
   * Put clips ({name, utterance, …}) into the order of one rater. Two clips of one
   * text follow each other only where hundreds of shuffles find no better order: a
   * listener who has just heard the words understands them more easily.
   */
  Listening.order = (clips, test, rater) => {
    const random = generator(hash(`${test}:${rater}`));
    let best = shuffle(clips, random);
    for (let tries = 0; tries < 500 && repeats(best) > 0; tries += 1) {
      const other = shuffle(clips, random);
      if (repeats(other) < repeats(best)) best = other;
    }
    return best;
  };
}
