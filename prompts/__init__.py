"""The prompt templates: data only. This file lets an installed Generia find them."""
