FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
# The embedded PostgreSQL is an optional package: production has a database of its own.
RUN npm run build && npm prune --ignore-scripts --omit=dev --omit=optional

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app ./
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Web and worker in one process. Run `node dist/main.js migrate` before the first start and after each update.
CMD ["node", "--enable-source-maps", "dist/main.js", "serve", "--with-worker"]
