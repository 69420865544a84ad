// The palette finds pages, jobs, queues, kinds, workers and errors by a few
// letters. Its list is that of the page Find.
(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("#found");
  const links = () => [...list.querySelectorAll("a")];
  const choose = (link) => {
    for (const other of links()) other.removeAttribute("aria-selected");
    link?.setAttribute("aria-selected", "true");
    link?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", link?.id ?? "");
  };

  let latest = 0;
  const find = async () => {
    const mine = ++latest;
    const response = await fetch(`${dialog.dataset.find}?q=${encodeURIComponent(input.value)}`);
    if (!response.ok || mine !== latest) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    list.replaceChildren(...(page.getElementById("places")?.children ?? []));
    list.setAttribute("role", links().length ? "listbox" : "group"); // a list of options may not be empty
    choose(links()[0]);
  };
  input.addEventListener("input", find);
  input.addEventListener("keydown", (event) => {
    const all = links();
    const at = all.findIndex((link) => link.hasAttribute("aria-selected"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      all[Math.max(at, 0)]?.click();
    }
  });
  document.addEventListener("console:palette", () => {
    if (dialog.open) return dialog.close();
    input.value = "";
    dialog.showModal();
    find();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
})();
