"""The outside behind the ports: cameras and containers through PyAV, miniprogram-api over HTTP."""
