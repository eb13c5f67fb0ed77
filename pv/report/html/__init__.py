"""The status of contracts as one HTML file that needs no network and no server: `page`; and what other pages begin with: `frame`."""
