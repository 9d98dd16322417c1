# syntax=docker/dockerfile:1
# A tag can be moved, a digest cannot. To pin the two base images, look their digests up
# and put them behind the tags, as in golang:1.26@sha256:…:
#   docker buildx imagetools inspect golang:1.26 --format '{{.Manifest.Digest}}'
# Renew them with each release of Go and of the base: nothing else brings its fixes.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
ARG REVISION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION} -X main.revision=${REVISION}" -o /readiness-collector ./cmd/collector \
 && mkdir -p /data

# Static, without a shell, not root: user 65532 is `nonroot` of the image.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /readiness-collector /readiness-collector
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
# Relative names in the configuration, such as the SQLite file, are below here.
WORKDIR /data
VOLUME /data
EXPOSE 9847
ENTRYPOINT ["/readiness-collector"]
CMD ["run", "--config", "/etc/collector/collector.yaml"]
