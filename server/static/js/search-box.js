// `/` moves to the search box, unless somebody is writing; where the page has no room for one, to the page of searching.

const box = document.querySelector("main input[type=search]") ?? document.querySelector("header input[type=search]");
const door = document.querySelector("header a.find");

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writing) return;
  event.preventDefault();
  if (!box?.checkVisibility()) {
    if (door) location.assign(door.href);
    return;
  }
  box.focus();
  box.select();
});
