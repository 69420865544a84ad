// Small things: times stay current, and texts can be copied.
(() => {
  const units = [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "min"], [0, 1, "s"]];
  const length = (away) => {
    const [, size, unit] = units.find(([from]) => away >= from);
    const n = Math.floor((away / size) * 10) / 10;
    return `${n >= 100 || Number.isInteger(n) || unit === "s" ? Math.floor(n) : n.toFixed(1)} ${unit}`;
  };
  const words = (seconds) => {
    if (Math.abs(seconds) < 1) return "now";
    const text = length(Math.abs(seconds));
    return seconds < 0 ? `in ${text}` : `${text} ago`;
  };
  // A browser whose clock is wrong still shows the server's ages.
  const ahead = Date.now() - Date.parse(document.getElementById("page")?.dataset.now ?? new Date().toISOString());
  const skew = Math.abs(ahead) > 5000 ? ahead : 0;
  const tick = () => {
    if (document.hidden || (getSelection()?.toString() ?? "") !== "") return;
    for (const time of document.querySelectorAll("time[datetime]")) {
      const age = (Date.now() - skew - Date.parse(time.dateTime)) / 1000;
      const text = time.hasAttribute("data-elapsed") ? length(Math.max(age, 0)) : words(age);
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(tick, 1000);

  const current = document.querySelector("#rail [aria-current]");
  if (current) document.getElementById("rail").scrollLeft = current.offsetLeft - 24;

  // Only pages by https or on this machine have a clipboard. A panel that changed comes with its buttons hidden.
  const show = () => document.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = !navigator.clipboard));
  show();
  document.addEventListener("console:changed", show);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const what = document.getElementById(button.dataset.copy);
    const text = button.dataset.text ?? what.textContent;
    await navigator.clipboard.writeText("link" in button.dataset ? location.origin + text : text);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = before), 1500);
  });
})();
