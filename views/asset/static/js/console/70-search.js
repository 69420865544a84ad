// Completes the search line: words under it, chosen with the arrow keys.
(() => {
  const form = document.getElementById("search");
  const input = form?.querySelector("input");
  const list = document.getElementById("suggestions");
  if (!input || !list) return;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", "suggestions");
  input.setAttribute("aria-expanded", "false");

  let chosen = -1;
  const show = (open) => {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) input.removeAttribute("aria-activedescendant");
  };
  const choose = (to) => {
    const all = [...list.children];
    chosen = all.length ? (to + all.length) % all.length : -1;
    all.forEach((item, i) => (i === chosen ? item.setAttribute("aria-selected", "true") : item.removeAttribute("aria-selected")));
    if (chosen >= 0) input.setAttribute("aria-activedescendant", all[chosen].id);
  };
  const take = (suggestion) => {
    input.value = suggestion.Text;
    input.focus();
    input.setSelectionRange(suggestion.Caret, suggestion.Caret);
    suggest();
  };

  let latest = 0;
  const suggest = async () => {
    const mine = ++latest;
    const at = new TextEncoder().encode(input.value.slice(0, input.selectionStart)).length;
    const response = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(input.value)}&at=${at}`).catch(() => null);
    if (!response?.ok || mine !== latest) return;
    const found = (await response.json()) ?? [];
    list.replaceChildren(
      ...found.map((suggestion, i) => {
        const item = document.createElement("a");
        item.id = `suggestion-${i}`;
        item.setAttribute("role", "option");
        const help = document.createElement("small");
        help.textContent = suggestion.Help;
        item.append(suggestion.Word, help);
        const bytes = new TextEncoder().encode(suggestion.Text).slice(0, suggestion.At);
        suggestion.Caret = new TextDecoder().decode(bytes).length;
        item.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(suggestion);
        });
        item.take = () => take(suggestion);
        return item;
      }),
    );
    choose(-1);
    chosen = -1;
    for (const item of list.children) item.removeAttribute("aria-selected");
    show(found.length > 0 && document.activeElement === input);
  };
  let soon = 0;
  input.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(suggest, 80);
  });
  input.addEventListener("blur", () => show(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) suggest();
      else choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show(false);
    } else if ((event.key === "Enter" || event.key === "Tab") && !list.hidden && chosen >= 0) {
      event.preventDefault();
      list.children[chosen].take();
    }
  });
  if (location.hash === "#search") input.focus();
})();
