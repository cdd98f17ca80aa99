"""What becomes of numbered frames until the gateway has answered them: `lossless`, `latest`, `every`."""
