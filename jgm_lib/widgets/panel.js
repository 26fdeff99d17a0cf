// What widgets alone cannot do: names for screen readers, files dropped or pasted, the large view.
// Runs once in each shown panel; without it the panel works all the same, by its buttons.
(start => {
  const wait = tries => {
    const panel = start.closest(".jgm-panel");
    if (panel) return begin(panel);
    if (tries) setTimeout(() => wait(tries - 1), 100);
  };

  const begin = panel => {
    if (panel.dataset.jgm) return;
    panel.dataset.jgm = "on";
    name(panel);
    new MutationObserver(() => name(panel)).observe(panel, {childList: true, subtree: true});
    listen(panel);
  };

  // Sliders, lists and fields: the label that is seen, or else the tooltip, and the value that is
  // seen; pictures: what the line below them says.
  const name = panel => {
    for (const part of panel.querySelectorAll(".noUi-handle, select, input, textarea")) {
      const box = part.closest(".widget-hslider, .jupyter-widgets");
      const label = box?.querySelector(".widget-label")?.textContent || box?.title;
      const value = box?.querySelector(".widget-readout")?.textContent;
      if (label) set(part, "aria-label", label);
      if (value) set(part, "aria-valuetext", value);
    }
    const said = panel.querySelector(".jgm-progress")?.textContent || "";
    for (const part of panel.querySelectorAll(".jgm-board")) set(part, "alt", `Pictures. ${said}`);
    for (const part of panel.querySelectorAll(".jgm-plot")) set(part, "alt", `Trace. ${said}`);
  };

  const set = (part, key, value) => {
    if (part.getAttribute(key) !== value) part.setAttribute(key, value);
  };

  // A picture file dropped on the panel, or pasted into it, takes the way of the upload button.
  const listen = panel => {
    const take = files => {
      const file = [...files].find(f => f.type.startsWith("image/"));
      if (file) upload(panel.querySelector(".widget-upload"), file);
      return Boolean(file);
    };
    const mark = on => panel.classList.toggle("jgm-drop", on);
    panel.addEventListener("dragover", event => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      mark(true);
    });
    panel.addEventListener("dragleave", event => panel.contains(event.relatedTarget) || mark(false));
    panel.addEventListener("drop", event => {
      mark(false);
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      event.stopPropagation();
      take(event.dataTransfer.files);
    });
    const paste = event => {
      if (!panel.isConnected) return document.removeEventListener("paste", paste, true);
      const here = panel.contains(document.activeElement) || document.activeElement === document.body;
      if (here && take(event.clipboardData.files)) {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    document.addEventListener("paste", paste, true);
    panel.addEventListener("click", event => {
      if (event.target.closest(".jgm-board")) panel.querySelector(".jgm-enlarge").click();
    });
  };

  // The button's own file field is no part of the page: it is met where the button clicks it.
  const upload = (button, file) => {
    const transfer = new DataTransfer(), click = HTMLInputElement.prototype.click;
    transfer.items.add(file);
    HTMLInputElement.prototype.click = function () {
      this.files = transfer.files;
      this.dispatchEvent(new Event("change"));
    };
    try { button.click() } finally { HTMLInputElement.prototype.click = click }
  };

  wait(600);
})(this);
