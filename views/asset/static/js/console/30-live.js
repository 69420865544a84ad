// Keeps an open page current. The stream brings panels that changed; each takes
// the place of the one with its id, by a morph that keeps the focus.
(() => {
  const page = document.getElementById("page");
  const url = page?.dataset.live;

  // A row that j and k have reached keeps its focus, and details stay open.
  htmx.config.morphIgnore.push("tabindex", "open");

  // A panel that changed under the reader's hand would take the selection or the
  // ticks along: what comes meanwhile waits, the latest of each panel.
  const waiting = new Map();
  const busy = () => (getSelection()?.toString() ?? "") !== "" || document.querySelector("[data-pick]:checked") !== null || document.querySelector("dialog[open]") !== null;
  const filling = (panel) => panel.querySelector("details[open] form") !== null || panel.querySelector("form[data-keep]")?.contains(document.activeElement);
  // What the reader folded or unfolded stays so.
  const folded = (part, target) => {
    const parts = document.createElement("template");
    parts.innerHTML = part;
    for (const fold of target.querySelectorAll("details[id]")) {
      const same = parts.content.getElementById(fold.id);
      if (same) same.open = fold.open;
    }
    return parts.innerHTML;
  };
  // The focus: the row or other part with an id that it is in, and its place there. An update may move or replace both.
  const controls = (part) => [part, ...part.querySelectorAll("a, button, input, select, textarea, summary")];
  const focus = () => {
    const element = document.activeElement;
    const part = element.closest("[id]");
    return { element, id: part?.id, at: part ? controls(part).indexOf(element) : -1 };
  };
  const refocus = ({ element, id, at }) => {
    if (document.activeElement !== document.body) return;
    const part = document.getElementById(id);
    const there = element.isConnected ? element : part && controls(part)[at];
    there?.focus({ preventScroll: true });
  };
  const apply = () => {
    page.toggleAttribute("data-held", busy() && waiting.size > 0);
    if (busy()) return;
    for (const [id, part] of waiting) {
      const target = document.getElementById(id);
      if (target && filling(target)) continue; // a form is being filled in
      waiting.delete(id);
      if (!target) continue;
      const before = focus();
      htmx.swap({ text: folded(part, target), target, swap: "outerMorph", sourceElement: target }).then(() => refocus(before));
    }
    document.dispatchEvent(new Event("console:changed"));
  };
  document.addEventListener("selectionchange", () => waiting.size && apply());
  document.addEventListener("change", () => waiting.size && apply());
  document.addEventListener("close", () => waiting.size && apply(), true);
  document.addEventListener("toggle", () => waiting.size && apply(), true);

  const take = (event) => {
    const parts = document.createElement("template");
    parts.innerHTML = event.data;
    for (const part of parts.content.children) if (part.id) waiting.set(part.id, part.outerHTML);
    apply();
  };

  // A page without a stream is out of date, and says so. Its own address tells why: the console does not answer, or it is
  // closed to this person now.
  let lost = null; // since when
  const say = (sentence) => {
    const place = document.getElementById("away");
    place.replaceChildren(...(sentence ? [document.createElement("p")] : []));
    if (sentence) Object.assign(place.firstChild, { className: "away", textContent: sentence });
  };
  const explain = async () => {
    const answer = await fetch(location.href, { redirect: "manual" }).catch(() => null);
    if (!lost) return;
    if (answer === null || answer.status >= 500) say(`The console has not answered since ${lost.toLocaleTimeString()}. This page keeps its last values and recovers by itself.`);
    else if (!answer.ok) say("This page is closed to you now: you signed out, or your role was taken. Reload it to see where you are.");
  };

  // A stream ends with its process, and a hidden tab needs none. Pauses between
  // tries grow, so that many open pages do not all come at once.
  let source = null;
  let pause = 1000;
  // The server sends only panels of which the page has another version.
  const address = () => {
    const have = [...page.querySelectorAll("[data-version]")].map((panel) => `${panel.id}~${panel.dataset.version}`);
    return `${url}${url.includes("?") ? "&" : "?"}have=${encodeURIComponent(have.join(","))}`;
  };
  const open = () => {
    if (!url || source || document.hidden) return;
    source = new EventSource(address());
    source.onopen = () => {
      if (lost) say("");
      lost = null;
    };
    source.onmessage = (event) => {
      pause = 1000;
      take(event);
    };
    source.onerror = () => {
      close();
      if (lost) explain();
      lost ??= new Date();
      setTimeout(open, pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, 30000);
    };
  };
  const close = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
})();
