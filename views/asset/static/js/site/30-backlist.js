// What htmx leaves to us. Every page works without this file.
(() => {
  const say = (sentence) => {
    const p = document.createElement("p");
    p.textContent = sentence;
    document.getElementById("flash").replaceChildren(p);
  };

  // The arrow keys pass over stars that are not meant, so a choice by keyboard is
  // saved a moment later; one by hand is meant, and saved at once.
  let byHand = false;
  addEventListener("pointerdown", () => (byHand = true), true);
  addEventListener("keydown", () => (byHand = false), true);

  // Who leaves before the answer loses nothing: the form goes out behind the page.
  const unsaved = new Set();
  document.addEventListener("change", (event) => {
    const form = event.target.closest(".rating-form");
    if (!form) return;
    unsaved.add(form);
    if (!byHand) return;
    event.stopPropagation();
    form.requestSubmit();
  }, true);
  document.addEventListener("htmx:after:request", (event) => unsaved.delete(event.detail.ctx.request?.form));
  addEventListener("pagehide", () => {
    for (const form of unsaved) {
      const data = new URLSearchParams(new FormData(form));
      if (data.get("stars")) navigator.sendBeacon(form.action, data);
    }
    unsaved.clear();
  });

  // What was not saved must not look as if it were.
  const refuse = (ctx, why) => {
    unsaved.delete(ctx.request?.form);
    ctx.request?.form?.reset();
    say("Not saved. " + why);
  };

  // The stream may have brought a newer list than the answer to a form that was
  // sent before: what is newer stays.
  const older = (part, answer) => {
    const now = document.querySelector(part)?.dataset.made;
    return now && !(Date.parse(answer.dataset.made) >= Date.parse(now));
  };

  // An answer without the part that was asked for would leave a hole: after a
  // redirect elsewhere (the session has ended) go there; an error is said.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (!ctx.select || !ctx.response) return;
    const answer = new DOMParser().parseFromString(ctx.text, "text/html");
    const part = answer.querySelector(ctx.select);
    if (part) {
      if (older(ctx.select, part)) tasks.splice(tasks.findIndex((task) => task.type === "main"), 1);
      return;
    }
    event.preventDefault();
    if (ctx.response.status < 400) {
      location.assign(ctx.response.raw.url);
      return;
    }
    const why = answer.querySelector("[data-error]");
    refuse(ctx, why ? why.textContent : "Please try again.");
  });

  document.addEventListener("htmx:error", (event) => {
    if (!event.detail.ctx?.select) return;
    refuse(event.detail.ctx, "We could not reach Backlist. Check your connection and try again.");
  });

  // A file over the limit is not sent: the browser would show why only after minutes, if at all.
  document.addEventListener("change", (event) => {
    const { files, dataset } = event.target;
    if (!files || !dataset.mostBytes) return;
    event.target.setCustomValidity(files[0]?.size > Number(dataset.mostBytes) ? dataset.tooLarge : "");
    event.target.reportValidity();
  });

  // Where the focus is, in words that outlive a swap: which control of which
  // item of which part.
  const controls = (item) => [...item.querySelectorAll("a[href]:not([tabindex]), button, input:not([type=hidden])")];
  const hold = () => {
    const focus = document.activeElement;
    const part = focus?.closest("section[id]");
    const item = focus?.closest("li");
    if (!part) return null;
    if (!item) return { part: part.id };
    return { part: part.id, list: item.parentNode.className, nth: [...item.parentNode.children].indexOf(item), control: controls(item).indexOf(focus) };
  };

  // A control that went away must not take the focus with it: the same control
  // of the item that took its place has it next, else the part.
  const restore = (held) => {
    const part = held && document.getElementById(held.part);
    if (!part || document.activeElement !== document.body) return;
    const list = held.list && part.getElementsByClassName(held.list)[0];
    const item = list && list.children[Math.min(held.nth, list.children.length - 1)];
    const control = item && controls(item)[held.control];
    if (!control) part.tabIndex = -1;
    (control || part).focus({ preventScroll: !control });
  };

  document.addEventListener("htmx:before:swap", (event) => {
    event.detail.ctx.held = hold();
  });

  // Morphing renews attributes, not what was clicked: a removed rating must
  // also leave the stars.
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    const form = ctx.request?.form;
    if (form?.dataset.clears) {
      const stars = document.getElementById(form.dataset.clears);
      stars?.querySelectorAll("input:checked").forEach((input) => (input.checked = false));
    }
    restore(ctx.held);
  });
})();
