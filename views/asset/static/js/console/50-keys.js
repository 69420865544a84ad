// Keys: a letter alone acts, but never while the person types, and not at all
// once they are turned off in the help.
(() => {
  const off = () => localStorage.getItem("console.keys") === "off";
  const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
  const rows = () => [...document.querySelectorAll(".grid tbody tr")];
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (dialog && !dialog.open) dialog.showModal();
    return dialog;
  };

  // The row that j and k have reached is the one with the focus.
  const move = (step) => {
    const all = rows();
    const at = all.indexOf(document.activeElement.closest(".grid tbody tr"));
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    if (!next) return;
    next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    x: (row) => row?.querySelector("[data-pick]")?.click(),
    Enter: (row) => document.activeElement === row && row?.querySelector("a[href]")?.click(),
    "/": () => {
      const search = document.querySelector("[data-search]");
      if (search) search.select();
      else location.assign("/console/jobs#search");
      return true;
    },
    "?": () => open("help"),
  };

  let going = -Infinity; // when g was pressed
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      document.dispatchEvent(new Event("console:palette"));
      return;
    }
    if (off() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (performance.now() - going < 1500) {
      going = -Infinity;
      const link = document.querySelector(`#rail a[data-key="${CSS.escape(event.key)}"]`);
      if (link) link.click();
      return;
    }
    if (event.key === "g") {
      going = performance.now();
      return;
    }
    const row = document.activeElement.closest(".grid tbody tr");
    const act = acts[event.key];
    if (!act || (event.key === "Enter" && document.activeElement !== row)) return;
    event.preventDefault();
    act(row);
  });

  const choice = document.getElementById("keys-on");
  if (choice) {
    choice.checked = !off();
    choice.addEventListener("change", () => localStorage.setItem("console.keys", choice.checked ? "on" : "off"));
  }
  for (const button of document.querySelectorAll("[data-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => (button.dataset.open === "palette" ? document.dispatchEvent(new Event("console:palette")) : open(button.dataset.open)));
  }
})();
