// Takes the invitation code from behind the # of the e-mail's link, where no server sees it, out of the address bar
// and into the form. Whoever has to sign in first finds it again afterwards, in this tab only.
(() => {
  "use strict";
  const key = "guestlist invitation " + location.pathname;
  const kept = {
    take() {
      try {
        const code = sessionStorage.getItem(key);
        sessionStorage.removeItem(key);
        return code;
      } catch {
        return null;
      }
    },
    keep(code) {
      try {
        sessionStorage.setItem(key, code);
      } catch {
        // The link can be used again.
      }
    },
  };
  let code = location.hash.slice(1);
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
  } else {
    code = kept.take() ?? "";
  }
  if (!code) {
    return;
  }
  const form = document.getElementById("by-code");
  if (form) {
    form.elements.code.value = code;
    form.requestSubmit();
  } else {
    kept.keep(code);
  }
})();
