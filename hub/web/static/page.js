// Says whether the page is kept up to date, because figures that only look current are worse than none.
(() => {
    const QUIET_MS = 30000; // the hub sends something every 10 s
    let watchdog;

    function say(state, words) {
        clearTimeout(watchdog);
        document.documentElement.dataset.live = state;
        const place = document.getElementById("live");
        if (place && place.textContent !== words) place.textContent = words;
    }

    function heard() {
        say("on", "live");
        watchdog = setTimeout(lost, QUIET_MS);
    }

    function lost() {
        say("off", "not live: this may be old");
    }

    document.addEventListener("htmx:sse:after:connection", heard);
    document.addEventListener("htmx:sse:after:message", heard);
    document.addEventListener("htmx:sse:error", lost);
    document.addEventListener("htmx:sse:close", lost);
    document.addEventListener("htmx:sse:before:connection", (event) => {
        if (event.detail.connection.attempt > 0) lost();
    });
    document.addEventListener("htmx:error", (event) => {
        if (event.target.id === "wire") lost();
    });
    document.addEventListener("htmx:response:error", (event) => {
        if (event.target.id === "wire") lost();
    });
})();
