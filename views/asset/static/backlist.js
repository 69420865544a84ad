// What htmx leaves to us. Every page works without this file.
(() => {
  const say = (sentence) => {
    const p = document.createElement("p");
    p.textContent = sentence;
    document.getElementById("flash").replaceChildren(p);
  };

  // What was not saved must not look as if it were.
  const refuse = (ctx, why) => {
    ctx.request?.form?.reset();
    say("Not saved. " + why);
  };

  // An answer without the part that was asked for would leave a hole: after a
  // redirect elsewhere (the session has ended) go there; an error is said.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (!ctx.select || !ctx.response) return;
    const answer = new DOMParser().parseFromString(ctx.text, "text/html");
    if (answer.querySelector(ctx.select)) return;
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

  // Morphing renews attributes, not what was clicked: a removed rating must
  // also leave the stars. And a control that went away must not lose the focus.
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    const form = ctx.request?.form;
    if (form?.dataset.clears) {
      const stars = document.getElementById(form.dataset.clears);
      stars?.querySelectorAll("input:checked").forEach((input) => (input.checked = false));
    }
    if (form && document.activeElement === document.body) {
      const part = document.querySelector(ctx.select);
      if (part) {
        part.tabIndex = -1;
        part.focus({ preventScroll: true });
      }
    }
  });
})();
