// Ticked rows: how many, all at once, and that live updates wait for them.
(() => {
  const all = document.querySelector("[data-pick-all]");
  if (!all) return;
  const label = document.querySelector("[data-picked]");
  const paused = document.querySelector("[data-paused]");
  const usual = label.textContent;
  const boxes = () => [...document.querySelectorAll("[data-pick]")];
  const say = () => {
    const ticked = boxes().filter((box) => box.checked).length;
    label.textContent = ticked ? `${ticked} ticked` : usual;
    paused.hidden = ticked === 0;
    all.textContent = ticked ? "Untick" : "Tick all";
  };
  all.hidden = false;
  all.addEventListener("click", () => {
    const tick = !boxes().some((box) => box.checked);
    for (const box of boxes()) box.checked = tick;
    document.dispatchEvent(new Event("change"));
  });
  document.addEventListener("change", say);
  document.addEventListener("console:changed", say);
  say(); // a browser keeps ticks when it goes back
})();
