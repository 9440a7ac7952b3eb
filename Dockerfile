# The broker in a container: no shell, no package manager, no root. docs/broker.md, "In a container", says how to run it.
# Give the base images by digest where your registry has them: --build-arg BUILD_IMAGE=…@sha256:… --build-arg RUN_IMAGE=…@sha256:…
ARG BUILD_IMAGE=docker.io/library/node:24-trixie-slim
ARG RUN_IMAGE=gcr.io/distroless/cc-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /opt/ostiary
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "install", "--omit=dev", "--no-save", "--no-audit", "--no-fund"]
RUN ["mkdir", "/opt/state"]
COPY migrations ./migrations
COPY src ./src

FROM ${RUN_IMAGE}
LABEL org.opencontainers.image.title="Ostiary" \
      org.opencontainers.image.description="Attested key broker for AMD SEV-SNP confidential VMs" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build --chown=0:0 /opt/ostiary /opt/ostiary
# A fresh volume takes its owner from here.
COPY --from=build --chown=65532:65532 /opt/state /var/lib/ostiary
ENV NODE_ENV=production
WORKDIR /var/lib/ostiary
USER 65532:65532
VOLUME ["/var/lib/ostiary"]
EXPOSE 8480
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/opt/ostiary/node_modules/node/bin/node", "/opt/ostiary/src/runtime/node/bin.mjs", "health", "--data", "/var/lib/ostiary/broker"]
ENTRYPOINT ["/opt/ostiary/node_modules/node/bin/node", "/opt/ostiary/src/runtime/node/bin.mjs"]
CMD ["serve", "--data", "/var/lib/ostiary/broker"]
