"""The main job, played through the public HTTP API alone: from a draft to KPIs. Also the first client example."""
