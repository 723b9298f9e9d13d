module.exports = {
  apps: [
    {
      name: 'app',
      script: 'dist/main.js',
      exec_mode: 'cluster',
      instances: 'max',
      // PM2 sends SIGINT, and kills the process after this time. Nest needs the time of
      // `shutdown.delayMs` and about a second to answer all clients.
      kill_timeout: 10_000,
    },
  ],
};
