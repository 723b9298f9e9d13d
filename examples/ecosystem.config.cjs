module.exports = {
  apps: [
    {
      name: 'app',
      script: 'dist/main.js',
      exec_mode: 'cluster',
      instances: 'max',
      // During a reload, PM2 stops an old process when the new one listens, or after this time. The
      // default is 3 s. A slow start would then leave no process that serves requests.
      listen_timeout: 60_000,
      // PM2 sends SIGINT, and kills the process after this time. Nest needs the time of
      // `shutdown.delayMs` and about a second to answer all clients.
      kill_timeout: 10_000,
    },
  ],
};
