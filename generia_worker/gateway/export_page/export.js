// In an exported world: shows the formulas of its texts. What it needs was loaded before it.
formulas.within(document.querySelector("main"));
