// Computes in the reader's browser what the forms of the book ask. No request, no library; see book/forms.py.
"use strict";
(() => {
  const whole = value => value.toLocaleString("en-GB", { maximumFractionDigits: 0 });
  const rounded = value => value.toLocaleString("en-GB", { maximumSignificantDigits: 6 });
  const percent = share => {
    const value = 100 * share;
    return `${share > 0 && share < 0.01 ? Number(value.toPrecision(2)) : value.toFixed(1)}\u00a0%`;
  };
  const number = (form, name) => Number(form.elements[name].value || NaN);

  const costs = (form, { n, perUnit, positives, steps, clients, found }) => {
    const alarm = number(form, "alarm");
    const missed = number(form, "missed");
    if (!(alarm > 0 && missed > 0 && Number.isFinite(alarm / missed))) return null;
    // The log odds of the threshold, in the steps in which clients were counted.
    const step = Math.round(perUnit * Math.log(alarm / missed));
    const place = steps.findIndex(each => each > step);
    const contacted = place < 0 ? 0 : clients[place];
    const right = place < 0 ? 0 : found[place];
    return {
      threshold: [alarm / (alarm + missed), percent],
      contacted: [contacted, value => `${whole(value)} of ${whole(n)}`],
      found: [right, value => `${whole(value)} of ${whole(positives)}`],
      cost: [alarm * (contacted - right) + missed * (positives - right), rounded],
      nobody: [missed * positives, rounded],
      everybody: [alarm * (n - positives), rounded],
    };
  };

  const client = (form, { intercept, slopes, effects, threshold }) => {
    let eta = intercept;
    for (const [name, slope] of Object.entries(slopes)) eta += slope * number(form, name);
    for (const [name, levels] of Object.entries(effects)) eta += levels[form.elements[name].selectedIndex];
    if (!Number.isFinite(eta)) return null;
    const probability = 1 / (1 + Math.exp(-eta));
    return {
      probability: [probability, percent],
      label: [eta > Math.log(threshold / (1 - threshold)) ? 1 : 0, String],
    };
  };

  const answers = { costs, client };
  const begin = () => {
    for (const form of document.querySelectorAll("form.book-form")) {
      const given = JSON.parse(form.querySelector("script").textContent);
      const refused = form.querySelector(".refused");
      const answer = () => {
        const found = answers[form.dataset.form](form, given);
        refused.hidden = found !== null;
        for (const place of form.querySelectorAll("[data-answer]")) {
          const [value, write] = found?.[place.dataset.answer] ?? [NaN, () => "\u2013"];
          place.dataset.value = value;
          place.textContent = write(value);
        }
      };
      form.addEventListener("input", answer);
      form.addEventListener("submit", event => event.preventDefault());
      form.hidden = false;
      answer();
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
