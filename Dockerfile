# One image for `serve`, `worker` and every other command. Built in a stage with compilers, run without them.
FROM node:20.20.2-bookworm-slim AS build
# better-sqlite3 is compiled where no prebuilt binary can be had.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
# Scripts are off, so that `prepare` waits for the sources and no other package runs one; only this has to.
RUN npm ci --ignore-scripts --no-audit --no-fund && npm rebuild better-sqlite3
COPY tsconfig.json tsconfig.build.json ./
COPY prisma prisma
COPY src src
RUN npm run prepare && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production
# Inside a container the loopback is nobody's; which ports are published is decided outside.
ENV BELLWETHER_SERVER_LISTEN=0.0.0.0:3000
RUN groupadd --system --gid 10001 bellwether \
  && useradd --system --uid 10001 --gid bellwether --no-create-home --home-dir /var/lib/bellwether bellwether \
  && install -d -o bellwether -g bellwether -m 0700 /var/lib/bellwether
COPY package.json README.md CHANGELOG.md LICENSE /app/
COPY templates /app/templates
COPY docs /app/docs
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/prisma /app/prisma
COPY --from=build /app/dist /app/dist
RUN chmod 0755 /app/dist/main.js && ln -s /app/dist/main.js /usr/local/bin/bellwether
USER bellwether
# bellwether.toml is looked for here, and here the embedded database lies (data/bellwether.db).
WORKDIR /var/lib/bellwether
VOLUME /var/lib/bellwether
EXPOSE 3000
# The first ends what is on the wire and gives back the rest; give it time (docs/operations.md).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
