"""The pages that keep something: configurations, reviews, reports; each has `page(signed_in)`."""
