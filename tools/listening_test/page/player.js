"use strict";
/* A round button that plays a recording from its beginning, or stops it. */

{
  class Player {
    /* Reports to {played, ended, failed}, functions without arguments. */
    constructor(button, audio, events) {
      this.button = button;
      this.audio = audio;
      this.events = events;
      button.addEventListener("click", () => this.toggle());
      audio.addEventListener("ended", () => {
        this.stop();
        events.ended();
      });
      audio.addEventListener("error", () => {
        this.stop();
        events.failed();
      });
    }

    load(name) {
      this.stop();
      this.audio.src = `clips/${name}.wav`;
    }

    get playing() {
      return this.button.classList.contains("playing");
    }

    toggle() {
      if (this.playing) this.stop();
      else this.play();
    }

    async play() {
      this.audio.currentTime = 0;
      this.button.classList.add("playing");
      try {
        await this.audio.play();
      } catch (error) {
        this.stop();
        // A stop before the sound has begun is no failure.
        if (error.name !== "AbortError") this.events.failed();
        return;
      }
      this.events.played();
      this.draw();
    }

    stop() {
      this.audio.pause();
      this.button.classList.remove("playing");
      this.button.style.removeProperty("--played");
    }

    /* Show how much has been played, as long as it plays. */
    draw() {
      if (!this.playing) return;
      const share = this.audio.currentTime / this.audio.duration || 0;
      this.button.style.setProperty("--played", share.toFixed(3));
      requestAnimationFrame(() => this.draw());
    }
  }

  Listening.Player = Player;
}
