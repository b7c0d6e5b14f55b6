"use strict";
/* The rating scales: radio buttons from 1 to 5 in steps of a half. */

{
  const { test } = Listening;
  const { strings } = test;
  const arabicDigits = "٠١٢٣٤٥٦٧٨٩";

  /* What a value means: the word of a whole number, the two words around a half. */
  Listening.meaning = (criterion, value) => {
    const words = strings[criterion].values;
    const below = words[Math.floor(value) - 1];
    if (Number.isInteger(value)) return below;
    return Listening.fill(strings.between, { below, above: words[Math.floor(value)] });
  };

  /* Put values into a pattern; words keep their own direction (FSI … PDI). */
  Listening.fill = (pattern, values) =>
    pattern.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name];
      return typeof value === "number" ? value : `\u2068${value}\u2069`;
    });

  class Criterion {
    /* Calls changed(criterion, value) when the rater chooses a value. */
    constructor(name, changed) {
      this.name = name;
      const template = document.getElementById("criterion");
      this.box = template.content.cloneNode(true).firstElementChild;
      this.box.id = `criterion-${name}`;
      this.box.querySelector("legend").textContent = strings[name].question;
      this.meaning = this.box.querySelector(".meaning");
      const [lowest, highest] = this.box.querySelectorAll(".anchors span");
      lowest.textContent = Listening.meaning(name, test.values[0]);
      highest.textContent = Listening.meaning(name, test.values.at(-1));
      const scale = this.box.querySelector(".scale");
      this.radios = test.values.map((value) => {
        const label = document.createElement("label");
        label.className = Number.isInteger(value) ? "value whole" : "value half";
        label.style.setProperty("--step", test.values.indexOf(value));
        const radio = document.createElement("input");
        Object.assign(radio, { type: "radio", name, value: String(value) });
        radio.setAttribute("aria-label", `${value}: ${Listening.meaning(name, value)}`);
        radio.addEventListener("change", () => {
          this.describe();
          changed(name, value);
        });
        const digits = document.createElement("span");
        digits.textContent = value;
        label.append(radio, digits);
        scale.append(label);
        return radio;
      });
    }

    get value() {
      const chosen = this.radios.find((radio) => radio.checked);
      return chosen ? Number(chosen.value) : null;
    }

    show(value) {
      this.radios.forEach((radio) => {
        radio.checked = Number(radio.value) === value;
      });
      this.describe();
    }

    describe() {
      const { value } = this;
      this.meaning.textContent = value === null ? strings.unrated : Listening.meaning(this.name, value);
      this.box.classList.toggle("rated", value !== null);
    }

    choose(value) {
      const radio = this.radios.find((one) => Number(one.value) === value);
      if (!radio) return;
      radio.focus();
      radio.click();
    }

    contains(element) {
      return this.box.contains(element);
    }

    /* Digits choose a whole value, a point adds a half; true if the key meant that. */
    typed(event) {
      const arabic = arabicDigits.indexOf(event.key);
      const digit = arabic > 0 ? arabic : Number(event.key.trim() || NaN);
      if (test.values.includes(digit)) {
        this.choose(digit);
        return true;
      }
      if ([".", ",", "٫", "،"].includes(event.key) && Number.isInteger(this.value)) {
        this.choose(this.value + 0.5);
        return true;
      }
      return false;
    }
  }

  Listening.Criterion = Criterion;
}
