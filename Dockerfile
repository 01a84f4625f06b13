# One image for all processes: the command says which. docs/deployment.md walks through it.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No package that is needed here has an install script.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY domain domain
COPY config config
COPY workflows workflows
COPY activities activities
COPY api api
COPY worker worker
COPY storage storage
COPY replicate replicate
COPY media media
COPY web web
COPY migrations migrations
COPY telemetry telemetry
COPY tools tools
RUN npm run build

FROM node:20.20.2-bookworm-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:20.20.2-bookworm-slim
# tini hands signals on and reaps what ffmpeg leaves behind. Versions are those of this Debian, with its security updates.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates ffmpeg tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /build/node_modules node_modules
COPY --from=build /build/dist dist
# The build id of the workers is a hash of the code and the lock file.
COPY package.json package-lock.json ./
# Nothing in the image is this user's own, so nothing of it can be changed by what runs.
USER 1000:1000
EXPOSE 8080 9464
ENTRYPOINT ["tini", "--"]
# As `npm run start:api`; docs/deployment.md says why.
CMD ["env", "MALLOC_ARENA_MAX=1", "node", "--max-old-space-size=256", "--max-semi-space-size=1", "dist/api/main.js"]
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
